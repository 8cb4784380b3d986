/** The package's version, for servers that ask who asks. A test holds it to package.json. */
export const VERSION = "0.1.0";

/** Of what the converter makes: raised when its files change, so that `glossa models update` makes them again. */
export const CONVERTER = 1;

/** How a worker of the converter's script is called: under another name it is a part that was imported. */
export const WORKER = "glossa-converter";
