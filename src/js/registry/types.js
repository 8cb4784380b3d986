// What registries and the way of a model have in common. Nothing here runs.

/**
 * A file of a model at its home.
 * @typedef {object} RemoteFile
 * @property {string} name as the converter knows it; never a part of a path on this machine
 * @property {string} url
 * @property {number} bytes on the wire; `exact`: these and no others, else about so many
 * @property {boolean} exact
 * @property {string} [sha256] of the bytes on the wire, in hexadecimal
 * @property {number} [size] unpacked, where that is known
 * @property {string} [unpackedSha256] of what it unpacks to; of a file that is not packed, of itself
 * @property {string} [gitSha1] Git's name of a file that lies in a repository as it is: of "blob SIZE\0" and the bytes
 * @property {RemoteFile} [or] the same content from the registry's second home, where the first one has it no more
 */

/**
 * A model of a registry.
 * @typedef {object} RegistryModel
 * @property {string} id unique in its registry, such as "en-fr/base-memory"
 * @property {string} registry "mozilla", "huggingface", "package" or an address
 * @property {string | string[]} source BCP 47
 * @property {string | string[]} target
 * @property {string} version empty where none is told
 * @property {string} variant the architecture, such as "tiny", or a repository's family
 * @property {string} licence an SPDX expression or a sentence; empty where none is told
 * @property {string} origin an address to read about it
 * @property {number} downloadBytes what has to be loaded, about
 * @property {number} diskBytes what it takes on the disk, about
 * @property {Record<string, number>} quality such as {bleu: 38.3, comet: 0.86} on FLORES; empty where none is told
 * @property {RemoteFile[]} [files] to be converted; absent until `resolve` is asked
 * @property {import("../manifest.js").ManifestModel} [checkpoint] or the checkpoint itself, which is loaded as it is
 */

/**
 * A source of models.
 * @typedef {object} Registry
 * @property {string} id
 * @property {string} advice what may help where it cannot be reached
 * @property {(context: Context, how: {asked: boolean}) => Promise<RegistryModel[]>} list all models that are known, the
 *     preferred one of a pair first. `asked`: the caller wants a model or a list, so the network may be used
 * @property {(context: Context, source: string, target: string) => Promise<RegistryModel[]>} [find] models for a pair that
 *     no list has
 * @property {(context: Context, model: RegistryModel) => Promise<RegistryModel>} [resolve] adds the files
 * @property {(context: Context, name: string) => Promise<RegistryModel>} [open] a model by its name alone
 * @property {(about: About) => boolean} [owns] whether a kept model of this registry is one that it would give
 * @property {string[]} [problems] entries that the last list left out, and why
 * @property {string} [token] that goes with requests for files
 */

/**
 * What the caller's side lends.
 * @typedef {object} Tools
 * @property {(name: "converter" | "catalogue" | "zstd" | "node") => Promise<any>} load a part of the package, by its name
 * @property {() => URL | null} converter where the worker's script is; null where there is none by itself
 * @property {number} [stallTime] of a context, if not the usual one
 * @property {number} [pause]
 */

/**
 * How requests are made.
 * @typedef {object} Context
 * @property {Tools} tools
 * @property {typeof fetch} fetch
 * @property {boolean} offline
 * @property {boolean} cache false: nothing is kept
 * @property {AbortSignal} [signal]
 * @property {string} [making] the kept address of the model that files are fetched for
 * @property {number} stallTime milliseconds without a byte after which a connection counts as broken
 * @property {number} pause milliseconds before the second attempt; twice as many before the third
 * @property {() => number} now
 */

/**
 * What is kept of a converted model beside it.
 * @typedef {object} About
 * @property {"model"} part
 * @property {string} registry
 * @property {string} id
 * @property {string | string[]} source
 * @property {string | string[]} target
 * @property {string} version
 * @property {string} variant
 * @property {string[]} chosen the values of the option "variant" for which this is the choice; "" for none
 * @property {string} licence
 * @property {string} origin
 * @property {number} converter
 * @property {string} hash of the source: one of all its files
 * @property {string} fetched a date, ISO 8601
 * @property {Record<string, number>} quality
 */

export {};
