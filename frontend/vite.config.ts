import { defineConfig } from "vite";

/**
 * Two builds: for the server, where what the first view does not need is a file of its own; and with
 * `--mode export` one script with everything, which an exported page holds in itself.
 *
 * Names of files come from their content, so that two builds are the same byte for byte.
 */
export default defineConfig(({ mode }) => {
  const isExported = mode === "export";
  return {
    base: "./",
    esbuild: { jsx: "automatic", jsxImportSource: "preact" },
    build: {
      outDir: `../src/meticulous/web/static${isExported ? "/export" : ""}`,
      emptyOutDir: true,
      target: "es2022",
      modulePreload: false,
      sourcemap: false,
      assetsInlineLimit: 0,
      // One sheet: a later one could fail to come, and would change what stands before it.
      cssCodeSplit: false,
      rollupOptions: { output: { inlineDynamicImports: isExported } },
    },
    server: { proxy: { "/api": "http://127.0.0.1:8765" } },
  };
});
