// The memory of one run of a plan, kept for the next run.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/arena.hpp"

namespace cnnfast {

// Grows to what the largest run needed.
struct Workspace {
  Arena packed;
  Arena parameters;  // of a simplified program, see plan/simplify.hpp
  Arena shard_grads;
  Arena results;              // of each image
  Arena batch;                // arenas of all tiles, where there are several segments
  Arena batch_values;         // values of all images of the batch, see BatchBuffers
  Arena batch_gradients;      // ... and gradients
  Arena batch_statistics;     // of batch normalization
  Arena gradient_statistics;  // ... and of its gradient
  Arena shard_statistics;     // both, of each shard
  std::vector<Arena> tiles;   // by thread
};

// Workspaces that no run uses.
class WorkspacePool {
 public:
  std::unique_ptr<Workspace> acquire() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (idle_.empty()) return std::make_unique<Workspace>();
    auto workspace = std::move(idle_.back());
    idle_.pop_back();
    return workspace;
  }
  void release(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(workspace));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

// A workspace from the pool, returned to it at the end of the scope.
class WorkspaceLease {
 public:
  explicit WorkspaceLease(WorkspacePool& pool) : pool_(pool), workspace_(pool.acquire()) {}
  WorkspaceLease(const WorkspaceLease&) = delete;
  WorkspaceLease& operator=(const WorkspaceLease&) = delete;
  ~WorkspaceLease() { pool_.release(std::move(workspace_)); }
  Workspace* operator->() const { return workspace_.get(); }
  Workspace& operator*() const { return *workspace_; }

 private:
  WorkspacePool& pool_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace cnnfast
