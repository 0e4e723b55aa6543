// What the kernel says of a TCP connection that glibc's own structure has no field for.
#pragma once

namespace hearth::http {

// Whether bytes have ever come behind others that were missing: some that the peer had sent were lost on
// their way, or overtaken.
bool has_had_gaps(int socket);

}  // namespace hearth::http
