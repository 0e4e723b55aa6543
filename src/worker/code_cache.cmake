hearth_library(hearth_code_cache
  SOURCES code_cache.cc code_cache_compiled.cc code_folders.cc compiled_files.cc folder_digest.cc
  DEPENDS hearth_archive hearth_base hearth_model OpenSSL::Crypto fmt::fmt)
hearth_test(code_cache_test
  SOURCES code_cache_test.cc code_cache_compiled_test.cc
  DEPENDS hearth_code_cache LABELS sanitizer TIMEOUT 60)
