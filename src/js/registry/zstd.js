// zstd where the platform has none, by fzstd (MIT).

import { Decompress } from "fzstd";
import { shelve } from "../chunks.js";

export { Decompress };

shelve("zstd", { Decompress });
