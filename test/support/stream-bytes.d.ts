export declare const RECORD_BYTES: number;
export declare function streamBytes(offset: number, length: number): Buffer;
