// The package for runtimes of servers that have no workers and load nothing later: the engine is in it from the start.

import "./engine.js";

export * from "./index.js";
