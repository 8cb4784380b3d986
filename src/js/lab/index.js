// glossa/lab: trains small translators and shows every array of them.

export { labAttend } from "./attend.js";
export { Lab, labChart, labSettings } from "./lab.js";
export * from "./types.js";
