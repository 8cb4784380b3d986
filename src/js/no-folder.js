// In the place of cache-folder.js where there are no folders.

export const folderStore = null;
export const folderDocuments = null;
export const cacheFolder = () => "";
