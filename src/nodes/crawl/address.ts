import { BlockList, isIP } from "node:net"

/** Special-purpose ranges of the IANA registries (RFC 6890 and its updates): no public server has an address in them. */
const special = new BlockList()
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  special.addSubnet(network, prefix, "ipv4")
for (const [network, prefix] of [
  // Teredo, ORCHID, documentation and 6to4 (whose addresses wrap any IPv4 address).
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  special.addSubnet(network, prefix, "ipv6")

const globalUnicast = new BlockList()
globalUnicast.addSubnet("2000::", 3, "ipv6")

/**
 * Whether an IP address belongs to the public internet: not loopback, private, link-local, shared, multicast,
 * reserved or a wrapped IPv4 address (of these only `::ffff:` is unwrapped and judged by what it wraps).
 * @param address IPv4 or IPv6 text, without brackets; anything else is not public
 */
export const isPublicAddress = (address: string): boolean => {
  const plain = address.split("%", 1)[0]
  switch (isIP(plain)) {
    case 4:
      return !special.check(plain, "ipv4")
    case 6: {
      const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)
      if (mapped) return isPublicAddress(mapped[1])
      return globalUnicast.check(plain, "ipv6") && !special.check(plain, "ipv6")
    }
    default:
      return false
  }
}
