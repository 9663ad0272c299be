import { defineConfig } from "vite";
import { build, compressed, server } from "../vite.shared";

/** The pages are small and come with each visit: Preact's tenth of React's size is enough for them (ADR 0015). */
const alias = { "react/jsx-runtime": "preact/jsx-runtime", "react-dom": "preact/compat", react: "preact/compat" };

export default defineConfig({ base: "/console/", plugins: [compressed()], resolve: { alias }, build, server });
