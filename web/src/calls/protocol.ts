// The shapes of the calls door, /api/v1 (docs/protocols/calls.md).
export type CallStatus = 'ringing' | 'accepted' | 'active' | 'ended' | 'rejected' | 'missed' | 'busy';

export interface Call {
  id: string;
  chat_id: string;
  caller_id: string;
  caller_name?: string;
  recipient_id: string;
  call_type: 'voice' | 'video';
  status: CallStatus;
  end_reason?: string;
  ended_by?: string;
  by?: string;
  room?: string;
}

export type SignalKind = 'offer' | 'answer' | 'candidate';

/** What the server tells over the WebSocket. */
export type ServerMessage =
  | { type: 'call:initiate' | 'call:accepted' | 'call:answered_elsewhere' | 'call:rejected' | 'call:missed' | 'call:busy' | 'call:connected' | 'call:ended' | 'call:participant_left'; data: Call }
  | { type: 'call:webrtc:offer'; data: { call_id: string; offer: RTCSessionDescriptionInit } }
  | { type: 'call:webrtc:answer'; data: { call_id: string; answer: RTCSessionDescriptionInit } }
  | { type: 'call:webrtc:candidate'; data: { call_id: string; candidate: RTCIceCandidateInit } }
  | { type: 'error'; code: string; message: string; call_id?: string }
  | { type: 'pong' };

export const isOver = (status: CallStatus): boolean => !['ringing', 'accepted', 'active'].includes(status);
