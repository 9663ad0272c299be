// The SDK with its recorder: what recording.test.ts loads into its pages.
export * from "../../../packages/client/src/index.js";
export * from "../../../packages/client/src/recording/index.js";
