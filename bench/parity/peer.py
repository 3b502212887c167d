"""PyTorch's side of the parity check: the same network from the same weights, on the same batches.

peer.py DIRECTORY DTYPE reads request.json, weights.safetensors and data.safetensors there, and writes
out-DTYPE.safetensors: logits, gradients of the first step, weights and running statistics after the last one, and the
loss of each step. Nothing is shared with the TypeScript side but the names of layers. DTYPE is f32, f64, or nudged: f64
from weights that are off by up to 5e-7 of their value, which leaves logits about as far off as float32 does, and so
tells how much of a gradient's error is the problem's own.
"""

import json
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

TYPES = {"F32": np.float32, "F64": np.float64, "I32": np.int32}


def read(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }


def write(path, tensors, metadata):
    names = {np.dtype(np.float32): "F32", np.dtype(np.float64): "F64"}
    header, blobs, size = {"__metadata__": metadata}, [], 0
    for name, value in tensors.items():
        blob = np.ascontiguousarray(value).tobytes()
        header[name] = {
            "dtype": names[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [size, size + len(blob)],
        }
        blobs.append(blob)
        size += len(blob)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for blob in blobs:
            file.write(blob)


class Network:
    """Functional form: parameters by name, in PyTorch's own layouts."""

    def __init__(self, weights, spec, dtype):
        self.spec = spec
        self.parameters, self.running = {}, {}
        for name, value in weights.items():
            tensor = torch.from_numpy(np.array(value)).to(dtype)
            if name.endswith("/kernel"):
                tensor = tensor.permute(3, 2, 0, 1) if tensor.dim() == 4 else tensor.t()
            tensor = tensor.contiguous()
            if "/moving_" in name:
                self.running[name] = tensor
            else:
                self.parameters[name] = tensor.requires_grad_()

    def conv(self, name, x, stride=1):
        weight = self.parameters[name + "/kernel"]
        size = weight.shape[2]
        x = self.same(x, size, stride, 0.0)
        return F.conv2d(x, weight, stride=stride)

    @staticmethod
    def same(x, size, stride, value):
        """TensorFlow's "same": what the windows need beyond the picture, the odd one at the bottom and right."""
        pads = []
        for length in (x.shape[3], x.shape[2]):
            need = max(0, ((length + stride - 1) // stride - 1) * stride + size - length)
            pads += [need // 2, need - need // 2]
        return F.pad(x, pads, value=value) if any(pads) else x

    def norm(self, name, x):
        p, r = self.parameters, self.running
        return F.batch_norm(
            x,
            r[name + "/moving_mean"],
            r[name + "/moving_variance"],
            p[name + "/gamma"],
            p[name + "/beta"],
            training=self.training,
            momentum=0.1,
            eps=1e-5,
        )

    def __call__(self, x, training=True):
        self.training = training
        x = self.densenet(x) if self.spec["name"] == "densenet" else self.resnet(x)
        return F.linear(x.mean((2, 3)), self.parameters["logits/kernel"], self.parameters["logits/bias"])

    def densenet(self, x):
        layers = (self.spec["depth"] - 4) // 3
        x = self.conv("stem_conv", x)
        for block in (1, 2, 3):
            for layer in range(1, layers + 1):
                name = f"block{block}_layer{layer}"
                added = self.conv(name + "_conv", F.relu(self.norm(name + "_norm", x)))
                x = torch.cat([x, added], 1)
            if block < 3:
                name = f"transition{block}"
                x = F.avg_pool2d(self.conv(name + "_conv", F.relu(self.norm(name + "_norm", x))), 2)
        return F.relu(self.norm("features_norm", x))

    def resnet(self, x):
        small = self.spec["size"] <= 64
        x = F.relu(self.norm("stem_norm", self.conv("stem_conv", x, self.spec["stemStride"] if small else 2)))
        if not small:
            x = F.max_pool2d(self.same(x, 3, 2, -float("inf")), 3, 2)
        for stage, blocks in enumerate(self.spec["blocks"]):
            for block in range(1, blocks + 1):
                name = f"stage{stage + 1}_block{block}"
                stride = 2 if stage > 0 and block == 1 else 1
                y = F.relu(self.norm(name + "_norm1", self.conv(name + "_conv1", x)))
                y = F.relu(self.norm(name + "_norm2", self.conv(name + "_conv2", y, stride)))
                y = self.norm(name + "_norm3", self.conv(name + "_conv3", y))
                if block == 1:
                    x = self.norm(name + "_norm0", self.conv(name + "_conv0", x, stride))
                x = F.relu(x + y)
        return x

    def tensors(self, of):
        """In tfjs' layouts again."""
        for name, parameter in self.parameters.items():
            value = of(parameter).detach()
            if name.endswith("/kernel"):
                value = value.permute(2, 3, 1, 0) if value.dim() == 4 else value.t()
            yield name, value.numpy().copy()


def main(directory, dtype_name):
    with open(directory + "/request.json") as file:
        request = json.load(file)
    dtype = torch.float32 if dtype_name == "f32" else torch.float64
    torch.set_num_threads(request["threads"])
    weights = read(directory + "/weights.safetensors")
    if dtype_name == "nudged":
        random = np.random.default_rng(1)
        weights = {name: w.astype(np.float64) * (1 + random.uniform(-1, 1, w.shape) * 2.0**-21) for name, w in weights.items()}
    network = Network(weights, request["spec"], dtype)
    data = read(directory + "/data.safetensors")
    pictures = torch.from_numpy(data["x"].astype(np.float64)).to(dtype).permute(0, 1, 4, 2, 3).contiguous()
    labels = torch.from_numpy(data["labels"].astype(np.int64))

    kernels = [p for name, p in network.parameters.items() if name.endswith("/kernel")]
    others = [p for name, p in network.parameters.items() if not name.endswith("/kernel")]
    optimizer = torch.optim.SGD(
        [{"params": kernels, "weight_decay": request["l2"]}, {"params": others, "weight_decay": 0.0}],
        lr=0.1,
        momentum=request["momentum"],
        nesterov=request["nesterov"],
    )
    out, losses, times = {}, [], []
    with torch.no_grad():
        out["inference"] = network(pictures[0], training=False).numpy().copy()
    for step, rate in enumerate(request["rates"]):
        started = time.perf_counter()
        batch = step % pictures.shape[0]
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        logits = network(pictures[batch])
        loss = F.cross_entropy(logits, labels[batch], label_smoothing=request["labelSmoothing"])
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            out["logits"] = logits.detach().numpy().copy()
            for name, value in network.tensors(lambda p: p.grad):
                out["gradient/" + name] = value
            for name, value in network.running.items():
                out["after-one/" + name] = value.numpy().copy()
        optimizer.step()
        times.append(time.perf_counter() - started)
    for name, value in network.tensors(lambda p: p):
        out["weight/" + name] = value
    for name, value in network.running.items():
        out["weight/" + name] = value.numpy().copy()
    out["losses"] = np.array(losses)
    write(
        f"{directory}/out-{dtype_name}.safetensors",
        out,
        {
            "torch": torch.__version__,
            "stepMs": str(1000 * sorted(times)[len(times) // 2]),
            "peakBytes": str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
