// The package with the parts in it that it would load on demand.

import "../html.js";

export * from "../index.js";
