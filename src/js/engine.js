// The engine for a thread that works itself, which most do not: a part of the package that is loaded on demand (chunks.js),
// or imported by name, "glossa/engine", where nothing can be loaded later.

import { shelve } from "./chunks.js";
import { Host } from "./host.js";

shelve("engine", { Host });
