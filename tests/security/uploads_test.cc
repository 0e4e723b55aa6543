// Attempts 50 and 51: code and settings that are made to hurt whoever reads them.
#include <gmock/gmock.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <vector>

#include "base/base64.h"
#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// Zips of which each has one thing wrong, as NAME.zip in the folder that it is called with.
constexpr const char* kZips = R"py(
import io, struct, sys, zipfile
folder, canary = sys.argv[1], sys.argv[2]

def made(name, *entries, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(folder + '/' + name + '.zip', 'w', compression) as z:
        for path, mode, text in entries:
            info = zipfile.ZipInfo(path)
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = compression
            z.writestr(info, text)

FILE, LINK, DEVICE, PIPE = 0o100644, 0o120777, 0o020666, 0o010644
index = ('index.js', FILE, 'module.exports = () => 1;')
made('parent', index, ('../escaped', FILE, 'x'))
made('deep-parent', index, ('a/../../escaped', FILE, 'x'))
made('absolute', index, (canary, FILE, 'x'))
made('backslash', index, ('..\\escaped', FILE, 'x'))
made('link-out', index, ('out', LINK, canary))
made('write-through', index, ('out', LINK, '/tmp'), ('out/escaped', FILE, 'x'))
made('write-through-inside', index, ('a/x', FILE, 'x'), ('out', LINK, 'a'), ('out/y', FILE, 'y'))
made('device', index, ('null', DEVICE, ''))
made('pipe', index, ('pipe', PIPE, ''))
made('twice', index, ('index.js', FILE, 'module.exports = () => 2;'))
made('newline', index, ('a\nb', FILE, 'x'))
made('many', index, *[('f%d' % i, FILE, '') for i in range(100000)])
made('bomb', index, ('zeros', FILE, bytes(600 << 20)))
made('depth', index, ('/'.join(['d'] * 2000) + '/f', FILE, 'x'))
whole = open(folder + '/parent.zip', 'rb').read()
open(folder + '/truncated.zip', 'wb').write(whole[:len(whole) // 2])
open(folder + '/no-directory.zip', 'wb').write(whole[:-22])
open(folder + '/empty.zip', 'wb').write(b'')

# Entries that share their bytes: a few of the file are very many unpacked.
data = bytes(1 << 20)
stream = io.BytesIO()
with zipfile.ZipFile(stream, 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('index.js', 'module.exports = () => 1;')
    z.writestr('a', data)
raw = stream.getvalue()
end = raw.rindex(b'PK\x05\x06')
start = struct.unpack('<I', raw[end + 16:end + 20])[0]
directory = raw[start:end]
second = directory[directory.index(b'PK\x01\x02', 4):]
copies = b''.join(second.replace(b'a', b'%c' % (98 + i), 1) if second.endswith(b'a') is False else
                  second[:-1] + b'%c' % (98 + i) for i in range(20))
tail = struct.pack('<4sHHHHIIH', b'PK\x05\x06', 0, 0, 22, 22, len(directory) + len(copies), start, 0)
open(folder + '/overlapping.zip', 'wb').write(raw[:start] + directory + copies + tail)
)py";

// All paths below the data directory, but for the database's log.
std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Uploads : public Security {};

// 50
TEST_F(Uploads, ZipsThatAreMadeToHurtAreRefusedAsAWholeAndLeaveNothing) {
  const test::ScratchFolder folder;
  const auto made = test::run_program({"python3", "-c", kZips, folder.path(), canary("one")});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const auto before = files_of(server().data_dir());
  std::size_t tried = 0;
  for (const auto& zip : fs::directory_iterator(folder.path())) {
    SCOPED_TRACE(zip.path().filename());
    const test::Reply reply = server().create_zip(test::read_file(zip.path()), {{"name", "hurts"}});
    EXPECT_THAT(reply.error_code(), testing::AnyOf("bad_zip", "payload_too_large")) << reply.body;
    EXPECT_EQ(server().get("/functions/hurts").status, 404);
    ++tried;
  }
  EXPECT_EQ(tried, 18U);
  // The answer does not wait until the last upload has been removed.
  EXPECT_TRUE(test::eventually([&] { return files_of(server().data_dir()) == before; }))
      << testing::PrintToString(files_of(server().data_dir()));
}

// 51: the same on every way to say it.
TEST_F(Uploads, NamesAndEnvironmentsThatMeanSomethingElsewhereAreRefused) {
  const std::string zip =
      base::base64_encode(test::zip_of({{"index.js", "module.exports = () => process.env;"}}));
  const std::string id = hostile("module.exports = () => process.env;");
  const json::array environments = {json::object{{"LD_PRELOAD", "/code/evil.so"}},
                                    json::object{{"NODE_OPTIONS", "--require /tmp/x"}},
                                    json::object{{"A=B", "c"}},
                                    json::object{{"", "c"}},
                                    json::object{{"A", std::string("b\0c", 3)}},
                                    json::object{{"A\nB", "c"}}};
  for (const json::value& environment : environments) {
    SCOPED_TRACE(json::serialize(environment));
    EXPECT_EQ(server()
                  .post("/functions", json::serialize(json::object{
                                          {"name", "odd"}, {"zipFile", zip}, {"environment", environment}}))
                  .status,
              400);
    EXPECT_EQ(server()
                  .patch("/functions/" + id, json::serialize(json::object{{"environment", environment}}))
                  .status,
              400);
    EXPECT_EQ(server()
                  .put("/functions/" + id + "/code",
                       json::serialize(json::object{{"zipFile", zip}, {"environment", environment}}),
                       "application/json")
                  .status,
              400);
  }
  for (const std::string& name :
       {std::string("../x"), std::string("a/b"), std::string(".."), std::string("a\nb"),
        std::string("a\0b", 3), std::string("$(id)"), std::string("`id`"), std::string("a;b"),
        std::string(300, 'a'), std::string("-rf")}) {
    SCOPED_TRACE(name);
    const test::Reply reply =
        server().post("/functions", json::serialize(json::object{{"name", name}, {"zipFile", zip}}));
    EXPECT_EQ(reply.status, 400) << reply.body;
  }
  for (const std::string& handler : {std::string("../../etc/passwd"), std::string("/etc/passwd"),
                                     std::string("a\nb"), std::string("a\0b", 3)}) {
    SCOPED_TRACE(handler);
    EXPECT_EQ(server()
                  .post("/functions", json::serialize(json::object{
                                          {"name", "odd"}, {"zipFile", zip}, {"handler", handler}}))
                  .status,
              400);
    EXPECT_EQ(server().patch("/functions/" + id, json::serialize(json::object{{"handler", handler}})).status,
              400);
  }
  EXPECT_EQ(server().get("/functions/odd").status, 404);
  EXPECT_EQ(server().invoke(id).status, 200);
}

}  // namespace
}  // namespace hearth::security
