// The package, as the page uses it: its translator, how it cuts a text, what it keeps, and where more languages come from.

import { mozillaAddresses } from "glossa:site";
import { mozilla } from "../src/js/index.js";

export { modelCache, Translator } from "../src/js/index.js";
export { joiner, splitText } from "../src/js/text/index.js";

/** Where the reader may fetch languages from; none where the page was built so. */
export const registries = () => (mozillaAddresses ? [mozilla(mozillaAddresses)] : []);
