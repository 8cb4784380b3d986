// What registries want in Node alone: proxies, and packages of models that are installed.

import { shelve } from "../chunks.js";
import { installedModels } from "./installed.js";
import { proxyFetch } from "./proxy.js";

export { installedModels, proxyFetch };

shelve("node", { installedModels, proxyFetch });
