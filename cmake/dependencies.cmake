# Libraries from the distribution; nothing is downloaded.
find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(leveldb REQUIRED)
find_package(ZLIB REQUIRED)
# Debian's leveldb is shared and already linked to snappy; its exported link line would need snappy's -dev package.
set_target_properties(leveldb::leveldb PROPERTIES INTERFACE_LINK_LIBRARIES Threads::Threads)
