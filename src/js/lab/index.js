// glossa/lab: trains small translators and shows every array of them.

export { Lab, labSettings } from "./lab.js";
export * from "./types.js";
