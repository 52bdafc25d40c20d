// A list's pages, one after the other.

const PAGE_SIZE = 1000;

/** At most `maxPages`; what is beyond is left out. */
export async function allPages<Page extends { nextPageToken: string }, Item>(
  read: (page: { pageSize: number; pageToken: string }) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
  maxPages = 1000,
): Promise<Item[]> {
  const items: Item[] = [];
  let pageToken = "";
  for (let n = 0; n < maxPages; n++) {
    const page = await read({ pageSize: PAGE_SIZE, pageToken });
    items.push(...itemsOf(page));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  return items;
}
