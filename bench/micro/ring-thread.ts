/** The receiving thread of the ring benchmark: reads one word of each record, without rest. */
import { workerData } from 'node:worker_threads';
import { MeshPort, type Mesh } from '../../actors/runtime/ring/mesh.ts';

const { mesh, ended } = workerData as { readonly mesh: Mesh; readonly ended: SharedArrayBuffer };
const flag = new Int32Array(ended);
const port = new MeshPort(mesh, 1, { ring: () => undefined });
let sum = 0;
const receiver = {
  receive: (_from: number, type: number, ints: Int32Array, offset: number): void => {
    sum = (sum + ints[offset]! + type) | 0;
  },
  receiveBytes: (_from: number, _type: number, bytes: Uint8Array): void => {
    sum = (sum + bytes[0]!) | 0;
  },
};
while (Atomics.load(flag, 0) === 0) port.drain(receiver, 1000);
