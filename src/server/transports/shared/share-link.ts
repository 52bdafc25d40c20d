// The address of a share: its secret stands behind the "#", which browsers send to nobody and no log has.

/** Empty where the server does not know by which address people reach it. */
export function shareLink(publicUrl: string | undefined, secret: string): string {
  return publicUrl === undefined ? "" : `${publicUrl.replace(/\/+$/, "")}/#share=${secret}`;
}
