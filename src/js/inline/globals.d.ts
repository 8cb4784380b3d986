/** The simd128 build in base64. */
declare const GLOSSA_SIMD128: string;
/** The script of the worker. */
declare const GLOSSA_WORKER: string;
