export type DeviceKind = 'microphone' | 'camera';

const StorageKey: Record<DeviceKind, string> = {
  microphone: 'voicecluster.microphone',
  camera: 'voicecluster.camera',
};

/** A microphone or camera that could not be opened, said in words for people. */
export class DeviceError extends Error {
  constructor(readonly kind: DeviceKind, readonly denied: boolean, message: string) {
    super(message);
    this.name = 'DeviceError';
  }
}

/** Opens the preferred device of the kind, or another one when the preferred one is gone. */
export async function openDevice(kind: DeviceKind, deviceId = preferredDevice(kind)): Promise<MediaStreamTrack> {
  if (!navigator.mediaDevices) {
    throw new DeviceError(kind, false, `The ${kind} needs a secure page: open this site over https or on localhost.`);
  }

  const chosen = deviceId ? { deviceId: { ideal: deviceId } } : {};
  const constraints: MediaStreamConstraints = kind === 'microphone'
    ? { audio: { ...chosen, echoCancellation: true, noiseSuppression: true, autoGainControl: true } }
    : { video: { ...chosen, width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 25, max: 30 } } };
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    const track = stream.getTracks()[0];
    if (!track) {
      throw new DeviceError(kind, false, `The ${kind} gave nothing.`);
    }
    return track;
  } catch (error) {
    throw error instanceof DeviceError ? error : new DeviceError(kind, isDenied(error), reason(kind, error));
  }
}

export async function listDevices(kind: DeviceKind): Promise<MediaDeviceInfo[]> {
  const wanted = kind === 'microphone' ? 'audioinput' : 'videoinput';
  const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
  return devices.filter((device) => device.kind === wanted && device.deviceId !== '');
}

export function preferredDevice(kind: DeviceKind): string {
  return localStorage.getItem(StorageKey[kind]) ?? '';
}

export function preferDevice(kind: DeviceKind, deviceId: string): void {
  localStorage.setItem(StorageKey[kind], deviceId);
}

function isDenied(error: unknown): boolean {
  return error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'SecurityError');
}

function reason(kind: DeviceKind, error: unknown): string {
  if (isDenied(error)) {
    return `This site may not use your ${kind}. Allow it in the browser's site settings, then try again.`;
  }
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') {
    return `No ${kind} was found.`;
  }
  if (name === 'NotReadableError' || name === 'AbortError') {
    return `The ${kind} is in use by another program.`;
  }
  return `The ${kind} could not be opened: ${error instanceof Error ? error.message : String(error)}`;
}
