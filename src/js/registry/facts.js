// What is known beforehand, loaded where it is asked for: Firefox's models as they were, where they are published, and the
// codes of languages.

import { shelve } from "../chunks.js";
import { mozillaAddresses } from "./addresses.js";
import { THREE } from "./codes.js";
import { snapshot } from "./snapshot.js";

export { mozillaAddresses, snapshot, THREE };

shelve("catalogue", { mozillaAddresses, snapshot, THREE });
