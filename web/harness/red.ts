// Opus with redundancy (RFC 2198) from stock mediasoup-client, as docs/protocols/mediasoup.md shows it.
import type { types } from 'mediasoup-client';

/** Whether a codec is redundant audio. */
export function isRed(codec: { mimeType: string }): boolean {
  return codec.mimeType.toLowerCase() === 'audio/red';
}

/** The capabilities of a router as one has them that offers no redundancy: the client then takes none. */
export function withoutRed(capabilities: types.RtpCapabilities): types.RtpCapabilities {
  return { ...capabilities, codecs: capabilities.codecs?.filter((codec) => !isRed(codec)) ?? [] };
}

/**
 * mediasoup-client answers with the one codec that `produce` names. A browser sends redundancy only where the codec of its blocks is
 * agreed as well, so this puts back what the browser itself has offered for it.
 */
export class RedPeerConnection extends RTCPeerConnection {
  override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    return super.setRemoteDescription({ ...description, sdp: withBlocks(description.sdp ?? '', this.localDescription?.sdp ?? '') });
  }
}

/** Makes an offer name redundancy first, by which a client says that it wants to send or to have it. */
export function prefer(transceiver: RTCRtpTransceiver): void {
  const { codecs } = RTCRtpReceiver.getCapabilities('audio') ?? { codecs: [] };
  transceiver.setCodecPreferences([...codecs.filter(isRed), ...codecs.filter((codec) => !isRed(codec))]);
}

function withBlocks(answer: string, offer: string): string {
  const [, red, opus] = /a=fmtp:(\d+) (\d+)\/\2\r\n/.exec(offer) ?? [];
  if (!red || !opus) {
    return answer;
  }
  const blocks = offer.split('\r\n').filter((line) => line.startsWith(`a=rtpmap:${opus} `) || line.startsWith(`a=fmtp:${opus} `));
  return answer
    .replace(new RegExp(`^(m=audio .*) ${red}\\r\\n`, 'gm'), `$1 ${red} ${opus}\r\n`)
    .replace(new RegExp(`^a=fmtp:${red} .*\\r\\n`, 'gm'), [`a=fmtp:${red} ${opus}/${opus}`, ...blocks, ''].join('\r\n'));
}
