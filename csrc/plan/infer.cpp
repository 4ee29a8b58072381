// Inference: packed weights cached between calls, and tiles or the parts of one image on several threads.
#include <algorithm>
#include <exception>

#include "plan/node_parts.hpp"
#include "plan/tile_run.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

namespace {

// Least work on one image for which a sleeping team is woken, about 200 microseconds of one thread; and for each
// thread of a team that is spinning, about 10 microseconds.
constexpr Index kTeamWork = 6'000'000, kSpinningThreadWork = 700'000;

}  // namespace

// The parameters in the form that the inference nodes read.
template <class T>
const T* Plan<T>::inference_parameters(const T* params, Arena& made) const {
  if (inference_.steps.empty()) return params;
  made.reserve(static_cast<std::size_t>(inference_.parameter_count) * sizeof(T));
  for (const ParameterStep& step : inference_.steps) make_parameters(step, params, made.template at<T>(0));
  return made.template at<T>(0);
}

// The packed weights of the last version. Threads that need a new version at the same time may each pack it.
template <class T>
std::shared_ptr<const Packed<T>> Plan<T>::packed_once(const Parameters<T>& params) const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (kept_ && kept_->of.values == params.values && kept_->of.version == params.version) return kept_;
  }
  auto packed = std::make_shared<Packed<T>>();
  packed->of = params;
  reserve_packed(inference_, false, packed->memory);
  Arena made;
  Tasks tasks(static_cast<int>(inference_.slices.size()));
  pack(inference_, inference_parameters(params.values, made), packed->memory.data(), nullptr,
       {0, inference_.nodes.size()}, tasks);
  const std::lock_guard<std::mutex> lock(mutex_);
  kept_ = packed;
  return packed;
}

// The state of a call: a workspace, and packed weights, cached ones or (`pack`, by all threads) its own.
template <class T>
struct Plan<T>::InferenceCall {
  InferenceCall(const Plan& owner, const Parameters<T>& params, int threads) : plan(owner) {
    const Program& program = plan.inference_;
    if (static_cast<int>(workspace->tiles.size()) < threads) workspace->tiles.resize(static_cast<std::size_t>(threads));
    for (int t = 0; t < threads; ++t) workspace->tiles[static_cast<std::size_t>(t)].reserve(program.layout.bytes);
    if (params.version >= 0) kept = plan.packed_once(params);
    if (kept) {
      packed = kept->memory.data();
    } else {
      plan.reserve_packed(program, false, workspace->packed);
      packed = workspace->packed.data();
      values = plan.inference_parameters(params.values, workspace->parameters);
    }
  }
  void pack(const Team& team) {
    if (kept) return;
    plan.pack(plan.inference_, values, workspace->packed.data(), nullptr, {0, plan.inference_.nodes.size()}, tasks);
    team.barrier();
  }
  std::byte* arena(int thread) const { return workspace->tiles[static_cast<std::size_t>(thread)].data(); }

  const Plan& plan;
  WorkspaceLease workspace{plan.workspaces_};
  std::shared_ptr<const Packed<T>> kept;
  const T* values = nullptr;
  const std::byte* packed = nullptr;
  Tasks tasks{static_cast<int>(plan.inference_.slices.size())};
};

template <class T>
void Plan<T>::forward(const Batch& batch, const Parameters<T>& params, T* y) const {
  if (batch.n == 0) return;
  const Program& program = inference_;
  if (program.external_count > 0) return forward_segments(batch, params, y);
  const int allowed = get_num_threads();
  if (batch.n < allowed && program.work >= kTeamWork) return forward_as_team(batch, params, allowed, y);
  const Index spinning = std::min<Index>(allowed, program.work / kSpinningThreadWork);
  if (batch.n == 1 && spinning > 1) {
    const SpinningTeam::Call call(spinning_team_);
    if (call.use_team()) return forward_as_team(batch, params, static_cast<int>(spinning), y);
    return forward_tiles(batch, params, y);
  }
  forward_tiles(batch, params, y);
}

template <class T>
void Plan<T>::forward_tiles(const Batch& batch, const Parameters<T>& params, T* y) const {
  const Program& program = inference_;
  const int threads = threads_for(program, batch.n, batch.n);
  // Smaller tiles where that keeps all threads busy: forward results do not depend on the tile.
  const Index tile_images = std::min(program.layout.tile, (batch.n + threads - 1) / threads);
  const Index count = (batch.n + tile_images - 1) / tile_images;
  InferenceCall call(*this, params, threads);
  Tasks tile_tasks(static_cast<int>(count));
  parallel(threads, [&](const Team& team) {
    call.pack(team);
    for (int tile = 0; tile_tasks.next(tile);) {
      const Index first = tile * tile_images, n = std::min(tile_images, batch.n - first);
      const TileRun run{*this, program, call.arena(team.thread()), call.packed, first, n};
      run.load(batch);
      run.forward({0, program.nodes.size()});
      run.store(program.output_value(), run.output(), y + first * output_shape().size());
    }
  });
}

// With external layers: tiles keep their values from one segment to the next. The layers read the plan's parameters,
// so that none are kept packed.
template <class T>
void Plan<T>::forward_segments(const Batch& batch, const Parameters<T>& params, T* y) const {
  const Program& program = inference_;
  const Index tile_images = program.layout.tile, count = (batch.n + tile_images - 1) / tile_images;
  const int threads = threads_for(program, batch.n, count);
  InferenceCall call(*this, {params.values, -1}, threads);
  call.workspace->batch.reserve(static_cast<std::size_t>(count) * program.layout.bytes);
  const ExternalLayers<T> external(program, batch.n, false);
  Tasks tile_tasks(static_cast<int>(count));
  std::exception_ptr error;  // written by one thread between two barriers
  parallel(threads, [&](const Team& team) {
    call.pack(team);
    for (std::size_t s = 0; s < program.segments.size(); ++s) {
      const bool last = s + 1 == program.segments.size();
      for (int tile = 0; tile_tasks.next(tile);) {
        const Index first = tile * tile_images, n = std::min(tile_images, batch.n - first);
        std::byte* arena = call.workspace->batch.data() + static_cast<std::size_t>(tile) * program.layout.bytes;
        TileRun run{*this, program, arena, call.packed, first, n};
        run.external = &external;
        if (s == 0) run.load(batch);
        run.forward(program.segments[s]);
        if (!last) run.collect(program.segments[s + 1].first, nullptr);
        if (last) run.store(program.output_value(), run.output(), y + first * output_shape().size());
      }
      if (last) return;
      team.barrier();
      if (team.thread() == 0) {
        const PlanNode& next = program.nodes[program.segments[s + 1].first];
        try {
          external.forward(next, call.values + next.params);
        } catch (...) {
          error = std::current_exception();
        }
        tile_tasks.reset();
      }
      team.barrier();
      if (error) return;
    }
  });
  if (error) std::rethrow_exception(error);
}

// Fewer images than threads, with much work each: threads compute parts of one node after the other.
template <class T>
void Plan<T>::forward_as_team(const Batch& batch, const Parameters<T>& params, int threads, T* y) const {
  const Program& program = inference_;
  InferenceCall call(*this, params, threads);
  const std::size_t nodes = program.nodes.size();
  const auto work = std::make_unique<WorkQueue[]>(static_cast<std::size_t>(batch.n) * (nodes + 2));
  const Index most = std::min(threads, WorkQueue::kMaxParts);
  const auto parts_of = [&](std::size_t i) { return std::min(max_parts(program.nodes[i].op), most); };
  parallel(threads, [&](const Team& team) {
    call.pack(team);
    // Values lie in the first thread's arena; each thread's scratch in its own.
    for (Index image = 0; image < batch.n; ++image) {
      const TileRun run{*this, program, call.arena(0), call.packed, image, 1};
      const TileRun own{*this, program, call.arena(team.thread()), call.packed, image, 1};
      WorkQueue* next = &work[static_cast<std::size_t>(image) * (nodes + 2)];
      const auto run_parts = [&](Index parts, const auto& f) {
        next++->run(static_cast<int>(parts), team.thread(), f);
      };
      run_parts(1, [&](int) { run.load(batch); });
      for (std::size_t i = 0; i < nodes;) {
        const Index parts = parts_of(i);
        if (parts > 1) {
          run_parts(parts, [&](int part) { run.forward_part(i, part, parts, own); });
          ++i;
        } else {
          const std::size_t first = i++;
          while (i < nodes && parts_of(i) == 1) ++i;
          run_parts(1, [&](int) { run.forward({first, i}); });
        }
      }
      run_parts(1, [&](int) { run.store(program.output_value(), run.output(), y + image * output_shape().size()); });
    }
  });
}

template void Plan<float>::forward(const Batch&, const Parameters<float>&, float*) const;
template void Plan<double>::forward(const Batch&, const Parameters<double>&, double*) const;

}  // namespace cnnfast
