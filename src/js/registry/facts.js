// What is known beforehand, loaded where it is asked for: Firefox's models as they were, and the codes of languages.

import { shelve } from "../chunks.js";
import { THREE } from "./codes.js";
import { snapshot } from "./snapshot.js";

export { snapshot, THREE };

shelve("catalogue", { snapshot, THREE });
