/// <reference types="vite/client" />

/** Made from the sources; the same as in `/version.json`. */
declare const __BUILD_ID__: string;
