// The package, as the page uses it: its translator, and the rules of sentences, by which the page cuts a text itself.

import { useRules } from "../src/js/text/use.js";
import { RULES } from "../src/js/text/rules.js";

export { Translator } from "../src/js/index.js";

useRules(RULES);
