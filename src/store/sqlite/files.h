// The few file calls that every adapter in this folder makes, with errors that name the cause.
// Any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::store::sqlite {

// kIo. A full disk and a read-only one are named in words, everything else by errno's text.
base::Error file_error(std::string_view what, int saved_errno);

base::Result<void> write_all(int fd, std::string_view bytes);

// fsync(2), once: a second try after a failure may succeed without the bytes being on the disk.
base::Result<void> sync_to_disk(int fd, std::string_view what);

// The folder `name` inside `parent`, never through a symlink.
base::Result<base::UniqueFd> open_folder(int parent, const char* name);

// Makes it first (mode 0750) when it is missing.
base::Result<base::UniqueFd> make_folder(int parent, const char* name);

// What is inside, without "." and "..", in no order.
base::Result<std::vector<std::string>> list_folder(int folder);

// Removes everything inside, at any depth, without following symlinks.
base::Result<void> empty_folder(int folder);

// Makes `uid` and `gid` the owner of the folder and of everything inside it that has another one,
// without following symlinks. A file with a second name elsewhere is refused: somebody may have
// linked what is not Hearth's into the folder to be given it.
base::Result<void> give_folder(int folder, uid_t uid, gid_t gid);

}  // namespace hearth::store::sqlite
