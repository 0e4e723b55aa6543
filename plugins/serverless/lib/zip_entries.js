// The paths in a zip, from its central directory. Null for a zip that this does not read (zip64,
// damaged): the server is the one to judge it. Pure.
'use strict';

const kEndBytes = 22;
const kEndSignature = 0x06054b50;
const kEntryBytes = 46;
const kEntrySignature = 0x02014b50;
const kCommentBytes = 0xffff;

function findEnd(zip) {
  const first = Math.max(0, zip.length - kEndBytes - kCommentBytes);
  for (let at = zip.length - kEndBytes; at >= first; --at) {
    if (zip.readUInt32LE(at) === kEndSignature) {
      return at;
    }
  }
  return -1;
}

function zipEntries(zip) {
  const end = findEnd(zip);
  if (end < 0) {
    return null;
  }
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  const paths = [];
  for (let i = 0; i < count; ++i) {
    if (at + kEntryBytes > end || zip.readUInt32LE(at) !== kEntrySignature) {
      return null;
    }
    const [name, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
    paths.push(zip.toString('utf8', at + kEntryBytes, at + kEntryBytes + name));
    at += kEntryBytes + name + extra + comment;
  }
  return paths;
}

module.exports = { zipEntries };
