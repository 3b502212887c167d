/** The hour of a moment and its weekday, in the time zone and language of the process. */
export default ({ item }: { readonly item: { readonly id: string } }) => ({
  local: `${new Date(86_400_000 * item.id.length).toString()} ${new Date(0).toLocaleDateString()} ${item.id.toLocaleUpperCase()}`,
})
