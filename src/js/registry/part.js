// The part of the package that knows registries, loaded when one is asked.

import { shelve } from "../chunks.js";
import { listModels, provide, stateOf } from "./index.js";

export { listModels, provide, stateOf };

shelve("registry", { provide, stateOf, listModels });
