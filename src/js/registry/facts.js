// What is known beforehand, loaded where it is asked for: Firefox's models as they were, where they are published, and the
// codes of languages.

import { shelve } from "../chunks.js";
import { mozillaAddresses, mozillaSources } from "./addresses.js";
import { THREE } from "./codes.js";
import { snapshot } from "./snapshot.js";

export { mozillaAddresses, mozillaSources, snapshot, THREE };

shelve("catalogue", { mozillaAddresses, mozillaSources, snapshot, THREE });
