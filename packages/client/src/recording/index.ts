/** Recording a call on this device: mixed, composed, and uploaded while it is being made. */

export { CallRecorder, type RecorderOptions, type RecorderSnapshot, type RecorderState } from "./recorder.js";
export { finishUploads } from "./unfinished.js";
