import { defineConfig } from "vite";
import { build, compressed, server } from "../vite.shared";

export default defineConfig({ base: "/console/", plugins: [compressed()], build, server });
