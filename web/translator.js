// The package, as the page uses it: its translator, and how it cuts a text.

export { Translator } from "../src/js/index.js";
export { joiner, splitText } from "../src/js/text/index.js";
