// The part that reads PNG images, bundled with its library.

export { decode } from "fast-png";
