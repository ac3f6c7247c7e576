import { defineConfig } from "vite";

// Names of chunks come from their content, so that two builds are the same byte for byte.
export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../src/meticulous/web/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    sourcemap: false,
    assetsInlineLimit: 0,
    // One script and one sheet of styles: an exported page holds both in itself.
    cssCodeSplit: false,
    rollupOptions: { output: { inlineDynamicImports: true } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8765" } },
});
