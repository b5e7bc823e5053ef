import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` serves the pages and passes the API on to a running server (SACCADE_URL).
const server = process.env["SACCADE_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  server: { port: 5180, proxy: { "/api": server, "/storage": server } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    rollupOptions: {
      output: {
        manualChunks: (id) => {
          if (/node_modules\/(echarts|zrender)\//.test(id)) return "charts";
          if (/node_modules\/(react|react-dom|scheduler|tslib|@mantine|@tanstack|wouter|@floating-ui|clsx)\//.test(id)) return "frame";
          if (/\/src\/(kit|api)\/(?!chart-drawn)|@tabler/.test(id)) return "kit";
          return undefined;
        },
      },
    },
  },
});
