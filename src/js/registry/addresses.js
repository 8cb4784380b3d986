// Where Firefox's models are published.

export const SETTINGS = "https://firefox.settings.services.mozilla.com/v1/";
export const ATTACHMENTS = "https://firefox-settings-attachments.cdn.mozilla.net/";
const BUCKET = "moz-fx-translations-data--303e-prod-translations-data";
export const FILES = `https://storage.googleapis.com/${BUCKET}/`;
/** Where pages of any origin may read the bucket, as Google's documentation has it. */
export const MEDIA = `https://storage.googleapis.com/storage/v1/b/${BUCKET}/o/`;

/** The same by what they are for, as mozilla() takes them. */
export const mozillaAddresses = { catalogue: SETTINGS, files: FILES, attachments: ATTACHMENTS };

/**
 * What the policy of a page has to name in connect-src for mozilla() with these addresses: all below each of them.
 * @param {Partial<typeof mozillaAddresses>} [addresses] in place of Mozilla's own
 * @returns {string[]}
 */
export function mozillaSources(addresses = {}) {
  const homes = Object.values({ ...mozillaAddresses, ...addresses }).map((address) => {
    const home = address.endsWith("/") ? address : `${address}/`;
    const { origin, pathname } = new URL(home === FILES ? MEDIA : home); // pages read the bucket there
    return origin + pathname.replace(/[;,]/g, encodeURIComponent); // which would end the address
  });
  return [...new Set(homes)];
}
