// glossa/text: how a translator cuts texts, for those who translate sentence by sentence.

import { RULES } from "./rules.js";
import { useRules } from "./use.js";

export { joiner, splitText } from "../split.js";

useRules(RULES);
