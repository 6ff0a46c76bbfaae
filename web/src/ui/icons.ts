const SvgNamespace = 'http://www.w3.org/2000/svg';

/** Line drawings on a 24 × 24 grid. */
const Paths = {
  microphone: 'M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM6 11a6 6 0 0 0 12 0M12 17v4M9 21h6',
  microphoneOff: 'M9 9v2a3 3 0 0 0 5 2.2M15 10V6a3 3 0 0 0-5.8-1M6 11a6 6 0 0 0 9.5 4.9M18 11a6 6 0 0 1-.5 2.4M12 17v4M9 21h6M4 4l16 16',
  camera: 'M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2ZM15 11l6-3v8l-6-3',
  cameraOff: 'M8.5 7H13a2 2 0 0 1 2 2v4.5M13.5 17H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2M15 11l6-3v8l-3-1.5M4 4l16 16',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  leave: 'M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8M10 12h11M17 8l4 4-4 4',
  hangup: 'M3.5 14.5c4.5-4.7 12.5-4.7 17 0l-2.2 2.8-4-1.8v-3c-1.5-.4-3.1-.4-4.6 0v3l-4 1.8Z',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1',
} as const;

export type IconName = keyof typeof Paths;

/** An icon that screen readers pass over: its button has words. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SvgNamespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const path = document.createElementNS(SvgNamespace, 'path');
  path.setAttribute('d', Paths[name]);
  svg.append(path);
  return svg;
}
