// The shapes of the Socket.IO door, namespace /voice (docs/protocols/mediasoup.md).
import type { types } from 'mediasoup-client';

export type MediaKind = types.MediaKind;
export type RtpCapabilities = types.RtpCapabilities;

/** A user id is shown back as the client wrote it: text or a number. */
export type UserId = string | number;

export interface PeerInfo {
  peerId: string;
  userId: UserId;
  displayName?: string;
}

export interface ProducerInfo {
  peerId: string;
  producerId: string;
  kind: MediaKind;
  paused?: boolean;
}

export interface JoinRequest {
  roomId: string;
  userId: UserId;
  displayName: string;
  /** Of an earlier answer: take that participant over. */
  resumeToken?: string;
}

export interface JoinAnswer {
  rtpCapabilities: RtpCapabilities;
  peerId: string;
  peers: PeerInfo[];
  producers: ProducerInfo[];
  /** With it the participant can be taken over from another connection. */
  resumeToken: string;
  /** True after that: the participant is the one it was. */
  resumed: boolean;
  /** Its transports that live, when it was resumed. */
  transports?: string[];
}

export type TransportAnswer = Pick<types.TransportOptions, 'id' | 'iceParameters' | 'iceCandidates' | 'dtlsParameters'> & {
  iceServers?: RTCIceServer[];
};

export interface ConsumeAnswer {
  id: string;
  producerId: string;
  kind: MediaKind;
  rtpParameters: types.RtpParameters;
}

export interface RestartIceAnswer {
  iceParameters: types.IceParameters;
}

/** How loud a peer speaks, in dBov: −127 is silence, 0 the loudest (RFC 6464). */
export interface SpeakerLevel {
  peerId: string;
  level: number;
}

/** Every request of the door: what it takes and what its acknowledgement gives. */
export interface Requests {
  'join-room': { request: JoinRequest; answer: JoinAnswer };
  'leave-room': { request: { roomId: string }; answer: object };
  'create-transport': { request: { roomId: string }; answer: TransportAnswer };
  'connect-transport': {
    request: { roomId: string; transportId: string; dtlsParameters: types.DtlsParameters };
    answer: object;
  };
  'produce': {
    request: { roomId: string; transportId: string; kind: MediaKind; rtpParameters: types.RtpParameters };
    answer: { id: string };
  };
  'consume': {
    request: { roomId: string; transportId: string; producerId: string; rtpCapabilities: RtpCapabilities };
    answer: ConsumeAnswer;
  };
  'restart-ice': { request: { roomId: string; transportId: string }; answer: RestartIceAnswer };
  'pause-producer': { request: { roomId: string; producerId: string }; answer: object };
  'resume-producer': { request: { roomId: string; producerId: string }; answer: object };
  'close-producer': { request: { roomId: string; producerId: string }; answer: object };
}

/** Every event that the door pushes. */
export interface PushEvents {
  'peer-joined': PeerInfo;
  'peer-left': { peerId: string };
  'new-producer': ProducerInfo;
  'producer-closed': { peerId: string; producerId: string };
  'producer-paused': { peerId: string; producerId: string };
  'producer-resumed': { peerId: string; producerId: string };
  'active-speakers': SpeakerLevel[];
  'media-moved': { rtpCapabilities: RtpCapabilities };
}
