import { describe, expect, it } from "vitest"
import { usesOf } from "../../../src/runtime/program/strace.ts"
import { undeclared } from "../../../src/runtime/program/watched.ts"

const uses = (...lines: ReadonlyArray<string>) =>
  [...usesOf(lines, "/start")].map(({ kind, what }) => `${kind} ${what}`)

describe("what strace wrote", () => {
  it("tells of files that were read, by what a link led to", () => {
    expect(
      uses(
        'openat(AT_FDCWD</home/me>, "a.txt", O_RDONLY|O_CLOEXEC) = 3</home/me/a.txt>',
        'openat(AT_FDCWD</home/me>, "link", O_RDONLY) = 3</data/real>',
        'openat(3</home/me/sub>, "../b", O_RDWR|O_CREAT, 0666) = 4</home/me/b>',
        'open("c", O_RDONLY) = 5</home/me/c>',
      ),
    ).toEqual(["read /home/me/a.txt", "read /data/real", "read /home/me/b", "read /home/me/c"])
  })

  it("leaves out what failed and what was only written", () => {
    expect(
      uses(
        'openat(AT_FDCWD</w>, "none", O_RDONLY) = -1 ENOENT (No such file or directory)',
        'openat(AT_FDCWD</w>, "out", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</w/out>',
        'openat(AT_FDCWD</w>, "new", O_RDWR|O_CREAT|O_EXCL, 0600) = 3</w/new>',
        'newfstatat(3</w/out>, "", {st_mode=S_IFREG|0644, st_size=3, ...}, AT_EMPTY_PATH) = 0',
        "exit_group(0)                           = ?",
        "+++ exited with 0 +++",
        "--- SIGCHLD {si_signo=SIGCHLD} ---",
      ),
    ).toEqual([])
  })

  it("follows a process from folder to folder", () => {
    expect(
      uses(
        'access("x", R_OK) = 0',
        'chdir("sub") = 0',
        'access("y", R_OK) = 0',
        "fchdir(4</other>) = 0",
        'readlink("z", "t", 64) = 1',
        'chdir("gone") = -1 ENOENT (No such file or directory)',
        'execve("./run.sh", ["./run.sh"], 0x7ffe /* 4 vars */) = 0',
      ),
    ).toEqual(["look /start/x", "look /start/sub/y", "look /other/z", "run /other/run.sh"])
  })

  it("knows where a process began that says so itself", () => {
    expect(uses('access("x", F_OK) = 0', 'openat(AT_FDCWD</there>, "y", O_RDONLY) = 3</there/y>')).toEqual([
      "look /there/x",
      "read /there/y",
    ])
  })

  it("reads names with quotes, brackets and letters of the world", () => {
    expect(
      uses(
        String.raw`openat(AT_FDCWD</w>, "a\"b\303\251>\\.txt", O_RDONLY) = 3</w/a"b\303\251\>\\.txt>`,
        String.raw`openat(AT_FDCWD</w\303\251>, "x", O_RDONLY|O_DIRECTORY) = 3</w\303\251/x>`,
      ),
    ).toEqual([String.raw`read /w/a"bé>\.txt`, "list /wé/x"])
  })

  it("tells of hosts, also of those that do not answer, and of local sockets that do", () => {
    expect(
      uses(
        'connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("93.184.216.34")}, 16) = -1 EINPROGRESS (Operation now in progress)',
        'connect(3<socket:[1]>, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
        'sendto(4<socket:[2]>, "x"..., 29, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 29',
        'connect(5<socket:[3]>, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)',
        'connect(5<socket:[3]>, {sa_family=AF_UNIX, sun_path="/run/docker.sock"}, 110) = 0',
      ),
    ).toEqual([
      "network 93.184.216.34:80",
      "network [2001:db8::1]:443",
      "network 127.0.0.53:53",
      "network unix:/run/docker.sock",
    ])
  })
})

describe("what of it is undeclared", () => {
  const bounds = {
    folder: "/home/me/p/cache/tmp/s",
    project: "/home/me/p",
    home: "/home/me",
    tools: ["/home/me/.pyenv"],
  }
  const told = (...list: ReadonlyArray<readonly ["read" | "list" | "run" | "look" | "network", string]>) =>
    undeclared(
      list.map(([kind, what]) => ({ kind, what })),
      bounds,
    ).map(({ kind, what }) => `${kind} ${what}`)

  it("are files of the project and of the home folder, not those of the system, of tools, or of its own folder", () => {
    expect(
      told(
        ["read", "/home/me/p/data/x.csv"],
        ["read", "/home/me/.netrc"],
        ["list", "/home/me/p/data"],
        ["run", "/home/me/p/tool.sh"],
        ["read", "/usr/lib/libc.so"],
        ["read", "/home/me/.pyenv/lib/python3/os.py"],
        ["read", "/home/me/p/cache/tmp/s/raw/x.csv"],
        ["look", "/home/me/p/cache"],
        ["look", "/home/me/p/package.json"],
        ["network", "1.2.3.4:80"],
      ),
    ).toEqual([
      "file ~/.netrc",
      "file data/",
      "file package.json",
      "file tool.sh",
      "file data/x.csv",
      "network 1.2.3.4:80",
    ])
  })

  it("are told as a folder where they are many", () => {
    const many = Array.from({ length: 9 }, (_, i) => ["read", `/home/me/p/data/${i}`] as const)
    expect(told(...many)).toEqual(["file data/* (9 files)"])
  })

  it("a folder above its own that is listed counts", () => {
    expect(told(["list", "/home/me/p/cache/tmp"])).toEqual(["file cache/tmp/"])
  })
})
