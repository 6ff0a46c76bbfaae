import { listDevices, preferredDevice, type DeviceKind } from '../media/devices';
import { element } from './dom';

/** The choice of microphone and camera. */
export class DeviceDialog {
  readonly root: HTMLDialogElement;
  private readonly selects: Record<DeviceKind, HTMLSelectElement> = {
    microphone: element('select', { id: 'microphone' }),
    camera: element('select', { id: 'camera' }),
  };

  constructor(onChoose: (kind: DeviceKind, deviceId: string) => void) {
    const close = element('button', { type: 'submit', className: 'primary' }, 'Done');
    this.root = element('dialog', { className: 'card', attributes: { 'aria-labelledby': 'devices-title' } },
      element('form', { method: 'dialog' },
        element('h2', { id: 'devices-title' }, 'Devices'),
        element('label', { htmlFor: 'microphone' }, 'Microphone'),
        this.selects.microphone,
        element('label', { htmlFor: 'camera' }, 'Camera'),
        this.selects.camera,
        close));
    for (const kind of ['microphone', 'camera'] as const) {
      this.selects[kind].addEventListener('change', () => onChoose(kind, this.selects[kind].value));
    }
    navigator.mediaDevices?.addEventListener('devicechange', () => {
      if (this.root.open) {
        void this.fill();
      }
    });
  }

  async open(): Promise<void> {
    await this.fill();
    this.root.showModal();
  }

  private async fill(): Promise<void> {
    for (const kind of ['microphone', 'camera'] as const) {
      const select = this.selects[kind];
      const devices = await listDevices(kind);
      const options = devices.map((device, index) =>
        element('option', { value: device.deviceId }, device.label || `${kind === 'microphone' ? 'Microphone' : 'Camera'} ${index + 1}`));
      select.replaceChildren(...options.length > 0 ? options : [element('option', { value: '' }, `No ${kind} found`)]);
      select.disabled = options.length === 0;
      const preferred = preferredDevice(kind);
      if (devices.some((device) => device.deviceId === preferred)) {
        select.value = preferred;
      }
    }
  }
}
