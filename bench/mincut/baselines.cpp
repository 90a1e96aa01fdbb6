// The baselines of the minimum cut: LEMON's NagamochiIbaraki and Boost's stoer_wagner_min_cut.
//
// Reads requests from standard input, answers each with one line. A request is a line
//   lemon|boost <runs> <n> <m>
// and after it m lines "u v capacity" (32-bit whole numbers: LEMON does not end with doubles).
// The answer: the value, then the CPU milliseconds of every run. `lemon` times init and phases on a
// graph that is there already, `built` the building of that graph from the columns too.
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/stoer_wagner_min_cut.hpp>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <lemon/nagamochi_ibaraki.h>
#include <lemon/smart_graph.h>
#include <vector>

struct Edge {
  int u, v, capacity;
};

static double cpu_ms() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

struct Lemon {
  lemon::SmartGraph graph;
  lemon::SmartGraph::EdgeMap<int> capacity;
  Lemon(int n, const std::vector<Edge>& edges) : capacity(graph) {
    graph.reserveNode(n);
    graph.reserveEdge(edges.size());
    for (int i = 0; i < n; i++) graph.addNode();
    for (const Edge& e : edges) {
      capacity[graph.addEdge(graph.nodeFromId(e.u), graph.nodeFromId(e.v))] = e.capacity;
    }
  }
  int cut() {
    lemon::NagamochiIbaraki<lemon::SmartGraph> algorithm(graph, capacity);
    algorithm.run();
    return algorithm.minCutValue();
  }
};

using BoostGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS,
                                         boost::no_property,
                                         boost::property<boost::edge_weight_t, int>>;

int main() {
  char which[16];
  int runs, n, m;
  while (scanf("%15s %d %d %d", which, &runs, &n, &m) == 4) {
    std::vector<Edge> edges(m);
    for (Edge& e : edges) {
      if (scanf("%d %d %d", &e.u, &e.v, &e.capacity) != 3) return 1;
    }
    int value = 0;
    std::vector<double> taken;
    if (!strcmp(which, "boost")) {
      BoostGraph graph(n);
      for (const Edge& e : edges) boost::add_edge(e.u, e.v, e.capacity, graph);
      for (int i = 0; i < runs; i++) {
        const double started = cpu_ms();
        value = boost::stoer_wagner_min_cut(graph, get(boost::edge_weight, graph));
        taken.push_back(cpu_ms() - started);
      }
    } else if (!strcmp(which, "built")) {
      for (int i = 0; i < runs; i++) {
        const double started = cpu_ms();
        Lemon lemon(n, edges);
        value = lemon.cut();
        taken.push_back(cpu_ms() - started);
      }
    } else {
      Lemon lemon(n, edges);
      for (int i = 0; i < runs; i++) {
        const double started = cpu_ms();
        value = lemon.cut();
        taken.push_back(cpu_ms() - started);
      }
    }
    printf("%d", value);
    for (double ms : taken) printf(" %.6f", ms);
    printf("\n");
    fflush(stdout);
  }
}
