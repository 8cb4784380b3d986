// Where Firefox's models are published.

export const SETTINGS = "https://firefox.settings.services.mozilla.com/v1/";
export const ATTACHMENTS = "https://firefox-settings-attachments.cdn.mozilla.net/";
const BUCKET = "moz-fx-translations-data--303e-prod-translations-data";
export const FILES = `https://storage.googleapis.com/${BUCKET}/`;
/** Where pages of any origin may read the bucket, as Google's documentation has it. */
export const MEDIA = `https://storage.googleapis.com/storage/v1/b/${BUCKET}/o/`;

/** The same by what they are for, as mozilla() takes them. */
export const mozillaAddresses = { catalogue: SETTINGS, files: FILES, attachments: ATTACHMENTS };
