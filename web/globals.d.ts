/** Written into web/offline.js by web/build.js. */
declare const FILES: string[];
declare const LATER: string[];
declare const VERSION: string;

/** Made by web/build.js. */
declare module "glossa:examples" {
  export interface Example {
    language: "en" | "zh";
    pair: string;
    /** what the weights were multiplied with, to be whole numbers */
    scale: number;
    explanation: any;
  }
  export const first: Example | null;
  export const others: { language: "en" | "zh"; pair: string; load(): Promise<{ example: Example }> }[];
}

declare module "glossa:site" {
  /** Where Firefox's models are fetched from; null where this page fetches none. */
  export const mozillaAddresses: { catalogue: string; files: string; attachments: string } | null;
  /** Where the source can be read, if package.json says so; else empty. */
  export const sourceAddress: string;
}

/** The detector of languages, with those that a model of the manifest reads or that are likely in their place. */
declare module "eld/extrasmall" {
  export const eld: { detect(text: string): { language: string; isReliable(): boolean } };
}

interface ExtendableEvent extends Event {
  waitUntil(promise: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface ServiceWorkerGlobalScope {
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}
